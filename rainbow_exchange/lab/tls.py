"""A certificate authority made up for one run of the lab."""

import ssl
from pathlib import Path

import trustme


class LabAuthority:
    """Issues certificates that whoever trusts `ca_file` trusts; the file is written into `folder`."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA(organization_name="rainbow-exchange lab")
        self.ca_file = folder / "lab-ca.pem"
        self._authority.cert_pem.write_to_path(self.ca_file)

    def server_context(self, *names: str) -> ssl.SSLContext:
        """Make a server's context with a certificate for these names and addresses; by default those of loopback."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
        return context

    def client_context(self) -> ssl.SSLContext:
        """Make a client's context that trusts this authority and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._authority.configure_trust(context)
        return context
