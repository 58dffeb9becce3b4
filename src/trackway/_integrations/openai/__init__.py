"""What calls and answers of OpenAI's API look like, there and wherever it is spoken."""
