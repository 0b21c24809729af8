"""The subcommands of `ablate`, one module each; none is imported before it is wanted."""
