"""Context, observations, `@observe`, values: what runs on the caller's thread."""
