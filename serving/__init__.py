"""What every process of ours on the service's Python needs and no part owns: databases, logs, care around requests."""
