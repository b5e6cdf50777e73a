"""Password hashes that take no time. Those of the product take 0.1 s of a processor, also at each login."""

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

FAST_HASH = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
