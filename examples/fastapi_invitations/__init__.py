"""Parents run a family together: one invites the other, who accepts or declines. README.md shows how to run it."""
