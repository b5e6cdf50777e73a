"""Rules for mutations: outgoing connections and of keys that are fetched."""

from collections.abc import Sequence

from tests.oauth.mutation_rules import Group

ADDRESSES, REGISTERING = "tests/kit/test_addresses.py", "tests/oauth/test_jwks_uri_registration.py"
HTTP = ("tests/kit/test_http.py", "tests/kit/test_http_reading.py")
KEYS = tuple(f"tests/oauth/test_jwks_uri{name}.py" for name in ("", "_cache", "_waiting"))

RULES: Sequence[Group] = (
    (
        "gateway/kit/addresses.py",
        (ADDRESSES, *HTTP),
        (
            (
                73,
                "IPv4 inside IPv6",
                "if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:",
                "if False:",
            ),
            (73, "6to4 taken for public", '"2002::/16", ', ""),
            (73, "plain http to any listed network", "return address.is_loopback and _within", "return _within"),
        ),
    ),
    (
        "gateway/kit/http_network.py",
        HTTP,
        (
            (73, "addresses not looked at", "if not all(may_connect(", "if False and not all(may_connect("),
            (73, "one good address is enough", "if not all(may_connect(", "if not any(may_connect("),
            (
                73,
                "host resolved again",
                "connect_tcp(address, port, seconds, None, ())",
                "connect_tcp([*self._resolver(host, port)][0], port, seconds, None, ())",
            ),
            (
                73,
                "every read has its own time",
                "return self._stream.read(max_bytes, self._deadline.remaining(timeout))",
                "return self._stream.read(max_bytes, 0.5)",
            ),
        ),
    ),
    (
        "gateway/kit/http.py",
        HTTP,
        (
            (73, "body of any size", "if len(body) > max_bytes:", "if False:"),
            (
                73,
                "announced length not looked at",
                'if int(headers.get("content-length", "0")) > max_bytes:',
                "if False:",
            ),
            (
                73,
                "compressed body",
                'if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:',
                "if False:",
            ),
            (
                73,
                "any certificate",
                "context = httpx2.create_ssl_context(trust_env=False)",
                "context = httpx2.create_ssl_context(verify=False, trust_env=False)",
            ),
        ),
    ),
    (
        "gateway/kit/http_address.py",
        HTTP,
        ((73, "user information in an address", ' or "@" in parts.netloc', ""),),
    ),
    (
        "gateway/services/identity/client_keys.py",
        (REGISTERING, *KEYS),
        (
            (
                73,
                "keys from any host",
                "if not {(address.host, address.port), (address.host, None)} & self._hosts:",
                "if False:",
            ),
            (73, "keys of any status", "if answer.status != 200:", "if False:"),
            (
                73,
                "fetched keys as they are",
                "keys = foreign_key_set(json.decode_unique(answer.body.removeprefix(BOM_UTF8)))",
                "keys = json.decode_unique(answer.body)",
            ),
        ),
    ),
    (
        "gateway/services/identity/client_key_cache.py",
        (*KEYS, REGISTERING),
        (
            (10, "removed key for an hour", "KEPT_FOR = timedelta(minutes=10)", "KEPT_FOR = timedelta(hours=1)"),
            (
                10,
                "every unknown kid fetches",
                "return self.keys if known or now <",
                "return self.keys if known or now > now +",
            ),
            (10, "a new kid fetches nothing", "known = kid is None or any(", "known = True or any("),
            (10, "as many fetches as threads", "with self._fetch_slot(), entry.lock:", "with self._fetch_slot():"),
            (
                10,
                "one fetch for all clients",
                "with self._fetch_slot(), entry.lock:",
                "with self._fetch_slot(), self._lock:",
            ),
            (10, "keys by client alone", "entry = self._entry(client_id, uri)", 'entry = self._entry(client_id, "")'),
            (
                73,
                "max-age of any length",
                "now + min(max(max_age, KEPT_FOR_AT_LEAST), KEPT_FOR)",
                "now + max(max_age, KEPT_FOR_AT_LEAST)",
            ),
            (
                73,
                "max-age of no length",
                "now + min(max(max_age, KEPT_FOR_AT_LEAST), KEPT_FOR)",
                "now + min(max_age, KEPT_FOR)",
            ),
            (
                73,
                "old keys for ever",
                "if self.keys is None or now >= self.fetched_at + STALE_FOR:",
                "if self.keys is None:",
            ),
            (73, "no old keys", "if self.keys is None or now >= self.fetched_at + STALE_FOR:", "if True:"),
            (
                73,
                "a failure is forgotten at once",
                "if now < self.failed_at + RETRY_AFTER else None",
                "if now < self.failed_at else None",
            ),
            (
                73,
                "every thread may wait",
                "if not self._fetch_slots.acquire(blocking=False):",
                "if not self._fetch_slots.acquire(blocking=True):",
            ),
            (73, "memory without end", "if len(self._entries) > self._capacity:", "if False:"),
        ),
    ),
    (
        "gateway/oauth/clients/private_key_jwt.py",
        KEYS,
        (
            (
                73,
                "keys fetched for any assertion",
                "claimed = self._read(jwt, wall)",
                'claimed = _Claimed(str(jwt.claims.get("sub")), None, token, wall, wall)',
            ),
            (73, "keys fetched beside another method", "if request.authorization is not None:", "if False:"),
            (
                73,
                "keys fetched within the transaction",
                "key_set = self._container.client_keys.get_key_set(row.id, row.jwks_uri, kid)",
                "uri = row.jwks_uri\n        key_set = self._container.database.write("
                "lambda _: self._container.client_keys.get_key_set(row.id, uri, kid))",
            ),
            (
                73,
                "fetched keys of any algorithm",
                "return fitting_keys(key_set, row.token_endpoint_auth_signing_alg)",
                "return key_set",
            ),
        ),
    ),
    (
        "gateway/oauth/endpoints/registration.py",
        (REGISTERING, *KEYS),
        (
            (73, "keys of a registration not fetched", "if client_metadata.jwks_uri is not None:", "if False:"),
            (
                73,
                "keys of a registration fetched within the transaction",
                "client_metadata = self._check_keys(read_metadata(parse_members(request.body)))",
                "client_metadata = self._container.database.write("
                "lambda _: self._check_keys(read_metadata(parse_members(request.body))))",
            ),
            (
                13,
                "fetched keys of another algorithm",
                'if not fitting_keys(fetched.key_set, client_metadata.signing_alg)["keys"]:',
                "if False:",
            ),
            (
                71,
                "fetched before the invitation is looked at",
                " or not self._container.database.read(lambda unit: registrations.is_invited(unit, token)):",
                ":",
            ),
        ),
    ),
    (
        "gateway/oauth/endpoints/client_metadata.py",
        (REGISTERING,),
        ((71, "jwks beside jwks_uri", "if (sent.jwks is None) == (sent.jwks_uri is None):", "if False:"),),
    ),
)
