"""Cases: from findings to papers that a bureau signs, and what becomes of them.

Read :mod:`auditor.cases.life` for the steps and who may take them, then :mod:`auditor.cases.desk`.
"""
