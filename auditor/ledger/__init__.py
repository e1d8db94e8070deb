"""The ledger: audits, findings and their history, and what earlier audits called things.

Nothing is imported here, so that :mod:`auditor.ledger.errors`, :mod:`auditor.ledger.life` and
:mod:`auditor.ledger.records` cost nothing; SQLAlchemy comes with :mod:`auditor.ledger.store`.
"""
