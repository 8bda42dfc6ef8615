"""What the console shows, part by part. Each part is read for all viewers alike, by a bounded number of rows."""
