"""Commands for people who run or change the project."""
