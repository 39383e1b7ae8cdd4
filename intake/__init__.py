"""The intake backend: stores requests for case assistance, answers for their status, and writes the filled-in form."""
