"""Who may import whom, and the rules that a linter cannot know. Every rule has a canary that must break it."""
