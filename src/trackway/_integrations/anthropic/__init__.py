"""What calls and answers of Anthropic's API look like."""
