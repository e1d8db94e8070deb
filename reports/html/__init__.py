"""One page for people without dashboards: the same figures, drawn without a network and without JavaScript.

:mod:`~reports.html.figures` counts a view once; :mod:`~reports.html.page` draws the figures as a page,
:mod:`~reports.html.terminal` for a terminal, :mod:`~reports.html.document` as JSON. All of it is pure.
"""
