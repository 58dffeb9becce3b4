"""What runs SQL over the parts; the only place that knows a database's name."""
