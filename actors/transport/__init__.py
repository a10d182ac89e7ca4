"""How requests reach a host: channels over actor calls and over sockets."""
