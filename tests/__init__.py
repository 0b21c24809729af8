"""The project's tests: one folder per room, `support` shared between them."""
