"""Recipes by which each kind of op becomes tiles; a module a family of ops, which ends with its table of recipes."""
