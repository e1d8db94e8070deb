"""The metrics as they are served: gathered part by part, written once per change, and answered over HTTP.

``gathering``    what each part says now, and which part cannot be told, and why
``pages``        the text of a moment, written once, in both formats, plain and packed
``scheduled``    how the schedule stands, from its notes
``keeping``      the newest page, kept up to date beside the scrapes that read it
``trail_check``  the audit trail read through, once an hour at most
``http``         a small server: three pages, GET and HEAD
"""
