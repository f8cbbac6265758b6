"""Models that come with the package, written as a user would write them."""
