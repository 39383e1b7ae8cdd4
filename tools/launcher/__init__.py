"""Everything behind `make run`: environments, secrets and the supervisor. Standard library only, Python 3.9 and up."""
