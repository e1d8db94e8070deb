"""Workers: other machines, inside department networks, that look where this one cannot.

The centre sends signed jobs through a broker and takes signed results back (:mod:`auditor.workers.centre`); a worker
takes jobs, checks them against its own configuration, and looks (:mod:`auditor.workers.process`). A worker's side
imports neither the ledger nor policies nor reports: what is not there cannot be stolen.
"""
