"""Tables and queries of tokens, codes, pushed requests and replays."""
