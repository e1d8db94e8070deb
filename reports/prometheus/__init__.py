"""What a bureau's Prometheus and Alertmanager are given: recording and alerting rules, examples, runbooks."""
