"""postfix: Postfix as a peer; its log and its anvil are the judges."""
import re

from harness.peer import Peer

MAIN = """compatibility_level = 3.7
maillog_file = /var/log/peer/postfix.log
maillog_file_prefixes = /var/log
myhostname = postfix.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination = {domain}
local_transport = virtual:
local_recipient_maps =
virtual_mailbox_domains =
virtual_mailbox_base = /var/spool/letters
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_auth_destination, reject
anvil_status_update_time = 1s
"""


class Postfix(Peer):
    """Postfix(peers, home, address, domain, smtpd_client_connection_count_limit=1, ...): settings are lines of main.cf."""
    NAME, PACKAGES = "postfix", ("postfix",)
    GROUPS, USERS = ("postdrop",), ("postfix",)
    LAUNCH = r"""
mkdir -p $HOME_OF/merged/var/lib/postfix $HOME_OF/merged/var/spool/postfix
chmod 1777 $HOME_OF/merged/var/spool/letters
: > $HOME_OF/merged/etc/postfix/dynamicmaps.cf
chroot $HOME_OF/merged chown postfix:postfix /var/lib/postfix
chroot $HOME_OF/merged postfix set-permissions || true      # it misses manuals that we did not unpack
setsid --wait chroot $HOME_OF/merged postfix start-fg || true
exit     # so that this shell stays until then: it dies with the run, and the namespace with it
"""

    def files(self):
        main = MAIN.format(domain=self.domain) + "".join(f"{name} = {value}\n" for name, value in self.settings.items())
        return {"etc/postfix/main.cf": main, "etc/postfix/master.cf": self._master()}

    def taken(self):
        """Recipients of what it has taken for delivery, in order."""
        return re.findall(r"to=<([^>]*)>.*status=sent", "\n".join(self.log("status=sent")))

    def most_at_once(self, source):
        """The most connections at once from that address, by anvil's own count."""
        counts = [int(n) for line in self.log("max connection count")
                  for n in re.findall(rf"max connection count (\d+) for \([^)]*:{re.escape(source)}\)", line)]
        return max(counts, default=0)

    def _master(self):
        """The packaged services, none of them chrooted, smtp on our address and port."""
        lines = []
        deb = next((self.root / "upper/usr/share/postfix").glob("master.cf.dist"))
        for line in deb.read_text().splitlines():
            fields = line.split()
            if line[:1] not in "# \t" and len(fields) >= 8:
                if fields[:2] == ["smtp", "inet"]:
                    fields[0] = f"{self.address}:{self.port}"
                fields[4] = "n"
                line = " ".join(fields)
            lines.append(line)
        return "\n".join(lines) + "\n"
