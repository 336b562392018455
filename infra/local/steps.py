"""The steps of `make run` and `make test` in their order: the name of each one's log, its title."""

PREPARE = {
    "machine": "This machine",
    "python-packages": "Python packages",
    "emulator-packages": "Local AWS, its packages",
    "cdk-packages": "CDK command line",
}
LAUNCH = {
    "ports": "Ports",
    "local-aws": "Local AWS",
    "bootstrap": "cdk bootstrap",
    "deploy": "cdk deploy",
    "credentials": "Secrets and operator",
    "stand-ins": "Stand-ins for outside systems",
    "front-door": "Front door",
}
FILL = {
    "demo-data": "Demo data",
    "journeys": "The seeds' journeys",
}
