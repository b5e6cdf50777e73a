"""What the request log of a sandbox keeps of requests and responses: their texts without secrets."""
