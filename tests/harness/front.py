"""front: HAProxy or nginx before the control API, with the configuration of deploy/ as it stands, on other addresses."""
import pathlib
import re
import ssl
import subprocess

from harness.api import Api
from harness.peer import Peer

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
NAME = "api.test"


def certificate(folder):
    """A key and a certificate for NAME that signs itself: (chain, key) as texts, made by openssl."""
    chain, key = folder / "front.pem", folder / "front.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", key, "-out", chain],
                   check=True, capture_output=True)
    return chain.read_text(), key.read_text()


class Front(Peer):
    """Front(peers, home, address, domain, 443, server="127.0.0.1:8025"): TLS at its address, and the server behind it."""

    def files(self):
        self.chain, self.key = certificate(self.home)
        return {f"etc/evenpost/{name}": text for name, text in self.secrets().items()} | {self.PLACE: self.configuration()}

    def configuration(self):
        """That of deploy/, with this run's addresses: each line that names one is found, or this fails."""
        text = (DEPLOY / self.NAME / self.FILE).read_text()
        for before, after in self.ADDRESSES.items():
            text, count = re.subn(before, after.format(address=self.address, server=self.settings["server"]), text)
            assert count == 1, f"{before} is there {count} times"
        return text

    def trusted(self):
        return ssl.create_default_context(cadata=self.chain)

    def api(self, key=None):
        """The API through this front."""
        return Api(self.address, self.port, key, tls=self.trusted(), name=NAME)

    def check(self):
        """What the program itself says of its configuration; fails when it would not start with it."""
        return self.inside(*self.CHECK)


class Haproxy(Front):
    NAME, PACKAGES, USERS = "haproxy", ("haproxy",), ("haproxy",)
    FILE, PLACE = "evenpost.cfg", "etc/haproxy/haproxy.cfg"
    ADDRESSES = {r"bind :443 ": "bind {address}:443 ", r"    bind \[::\]:443 .*\n": "", r"127\.0\.0\.1:8025": "{server}"}
    CHECK = ("haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg")
    LAUNCH = r"""
setsid --wait chroot $HOME_OF/merged haproxy -db -f /etc/haproxy/haproxy.cfg || true
exit
"""

    def secrets(self):
        return {"front.pem": self.chain + self.key}


class Nginx(Front):
    NAME, PACKAGES, USERS = "nginx", ("nginx",), ("www-data",)
    FILE, PLACE = "evenpost.conf", "etc/nginx/conf.d/evenpost.conf"
    ADDRESSES = {r"listen 443 ": "listen {address}:443 ", r"    listen \[::\]:443 .*\n": "", r"127\.0\.0\.1:8025": "{server}"}
    CHECK = ("nginx", "-t")
    LAUNCH = r"""
rm -f $HOME_OF/merged/etc/nginx/sites-enabled/default
sed -i 's/worker_connections .*/worker_connections 3000;/; s/^worker_processes .*/worker_processes 2;/' $HOME_OF/merged/etc/nginx/nginx.conf
mkdir -p $HOME_OF/merged/var/log/nginx $HOME_OF/merged/var/lib/nginx
setsid --wait chroot $HOME_OF/merged nginx -g 'daemon off;' || true
exit
"""

    def secrets(self):
        return {"front.pem": self.chain, "front.key": self.key}


FRONTS = {"haproxy": Haproxy, "nginx": Nginx}
