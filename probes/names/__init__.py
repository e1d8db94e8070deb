"""Where a system really answers: declared names are looked up, and asked once where they may be asked.

``hosts`` turns what a register wrote into a name for the wire. ``reach`` decides which address may be asked.
``lookup`` asks the name server, ``pages`` the web server, ``facts`` says what both showed.
"""
