"""The proxy of the environment through which a server is asked, as `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say."""

from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from synth.errors import ConfigError
from synth.recipe.addresses import is_loopback
from synth.recipe.credentials import shown


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy that the environment names for a server."""

    url: str
    variable: str
    """The environment's variable that names it."""
    host: str
    """The server's, as `no_proxy` would spare it."""

    def __str__(self) -> str:
        return f" through the proxy {shown(self.url)} of {self.variable} (with {self.host} in no_proxy it is asked directly)"


def proxy_of(address: str) -> Proxy | None:
    """The proxy through which a server is asked; None for one that is asked directly, as every address on this machine is.
    ConfigError for a proxy of another kind than HTTP."""
    parts, found = urlsplit(address), getproxies()
    host = parts.hostname or ""
    if is_loopback(address) or proxy_bypass(host) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    kind = next((kind for kind in (parts.scheme, "all") if found.get(kind)), None)
    if kind is None:
        return None
    url, variable = found[kind].strip(), f"{kind}_proxy"
    url = url if "://" in url else f"http://{url}"  # as curl reads one without a scheme
    way_out = f"name its HTTP port ({variable}=http://127.0.0.1:7890), or put {host} into no_proxy"
    try:
        told = urlsplit(url)
        whole = bool(told.hostname) and told.port != 0
    except ValueError:
        whole = False
    if not whole or any(c.isspace() or not c.isprintable() for c in url):
        raise ConfigError(f"{variable} is {shown(url)!r}, which is no proxy's address; {way_out}")
    if told.scheme.lower() not in ("http", "https"):
        raise ConfigError(
            f"{variable} is {shown(url)}, a {told.scheme.upper()} proxy, and only HTTP ones can be asked through; {way_out}"
        )
    return Proxy(url, variable, host)
