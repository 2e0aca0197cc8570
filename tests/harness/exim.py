"""exim: Exim as a peer. Its daemon counts a connection until it has reaped the process that held it."""
import re

from harness.peer import Peer

CONFIGURATION = """primary_hostname = exim.test
local_interfaces = {address}
daemon_smtp_ports = {port}
log_file_path = /var/log/peer/exim_%s.log
log_selector = +smtp_connection
host_lookup =
rfc1413_hosts =
tls_advertise_hosts =
keep_environment =
received_header_text =
message_size_limit = 50M
{settings}
domainlist ours = {domain}
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  accept domains = +ours
  deny message = not ours
begin routers
keep:
  driver = accept
  transport = letters
begin transports
letters:
  driver = appendfile
  directory = /var/spool/letters
  maildir_format
  create_directory
  user = Debian-exim
begin retry
* * F,1h,5s
"""


class Exim(Peer):
    """Exim(peers, home, address, domain, smtp_accept_max_per_host=1, ...): settings are lines of its main section."""
    NAME, PACKAGES = "exim", ("exim4-daemon-light",)
    USERS = ("Debian-exim",)
    LAUNCH = r"""
mkdir -p $HOME_OF/merged/var/spool/exim4 $HOME_OF/merged/etc/exim4
chroot $HOME_OF/merged chown Debian-exim:Debian-exim /var/spool/exim4 /var/spool/letters /var/log/peer
setsid --wait chroot $HOME_OF/merged exim4 -bdf || true
exit
"""

    def files(self):
        settings = "\n".join(f"{name} = {value}" for name, value in self.settings.items())
        text = CONFIGURATION.format(address=self.address, port=self.port, domain=self.domain, settings=settings)
        return {"etc/exim4/exim4.conf": text}

    def taken(self):
        """Recipients of what it has delivered, in order."""
        return re.findall(r"=> (?:\S+ )?<?([^\s<>]+@[^\s<>]+)>? ", "\n".join(self.log("=>")))

    def refused(self):
        """Lines that tell of a connection too many."""
        return self.log("too many connections")
