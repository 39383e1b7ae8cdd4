"""The service process: the front door and, beside it, the intake backend."""
