"""The exchange without sockets: the life of every order, and what it does to books and accounts."""
