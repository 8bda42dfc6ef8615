"""A witness of other logs (C2SP tlog-witness v1.0.0), without Django: it signs a checkpoint if the tree only grew."""
