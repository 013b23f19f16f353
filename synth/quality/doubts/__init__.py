"""What a run found that speaks against its own data: counted row by row, judged by bounds that hold over all looks together."""
