"""The command `trackway`.

`main` finds the command. What reads the store needs typer and rich; what looks after delivery needs neither.
"""
