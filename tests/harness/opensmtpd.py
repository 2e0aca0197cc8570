"""opensmtpd: OpenSMTPD as a peer: an old one, untouched since 2021, and so a good one."""
import re

from harness.peer import Peer

CONFIGURATION = """smtp max-message-size 50M
smtp limit max-mails 1000
listen on {address} port {port} hostname opensmtpd.test
action "keep" maildir "/var/spool/letters" virtual {{ "@" = keeper }}
match from any for domain "{domain}" action "keep"
"""


class OpenSMTPD(Peer):
    NAME, PACKAGES = "opensmtpd", ("opensmtpd",)
    USERS = ("opensmtpd", "opensmtpq", "keeper")
    LAUNCH = r"""
cd $HOME_OF/merged
mkdir -p var/spool/smtpd/{offline,purge,queue,corrupt,incoming} var/lib/opensmtpd/empty run/opensmtpd
chmod 711 var/spool/smtpd; chmod 770 var/spool/smtpd/offline
chmod 700 var/spool/smtpd/{purge,queue,corrupt,incoming}
chroot . chown root:opensmtpq /var/spool/smtpd/offline
chroot . chown opensmtpq:root /var/spool/smtpd/{purge,queue,corrupt,incoming}
chroot . chown keeper:keeper /var/spool/letters
chroot . chgrp opensmtpq /usr/sbin/smtpctl
chmod 2755 usr/sbin/smtpctl
setsid --wait chroot . smtpd -d > $HOME_OF/log/smtpd.log 2>&1 || true
exit
"""

    def files(self):
        return {"etc/smtpd.conf": CONFIGURATION.format(address=self.address, port=self.port, domain=self.domain)}

    def taken(self):
        """Recipients of what it has delivered, in order."""
        return re.findall(r"evpid=\S+ from=\S* to=<([^>]*)>.* result=Ok ", "\n".join(self.log(" mda delivery ")))
