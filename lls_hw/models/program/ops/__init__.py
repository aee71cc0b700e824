"""The typed ops of a program: what each reads, writes, and how much work it is; a module a family."""
