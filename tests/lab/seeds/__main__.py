"""`python -m lab.seeds SYSTEM`: puts the population into one system that was just started empty."""

import sys

from lab.seeds import carddav, databases, dovecot, mailman, openldap, registers, rt, vendure, zabbix

SEEDS = {
    "affarssystem": databases.affarssystem,
    "marknadsforing": databases.marknadsforing,
    "vendure": vendure.run,
    "rt": rt.run,
    "zabbix": zabbix.run,
    "mailman": mailman.run,
    "carddav": carddav.run,
    "dovecot": dovecot.run,
    "openldap": openldap.run,
    "files": registers.run,
}

if __name__ == "__main__":
    SEEDS[sys.argv[1]]()
