"""Arrays, Variables and the objects that hold them."""
