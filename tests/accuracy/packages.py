"""Debian packages whose files hold nobody's personal data, fetched and unpacked
(never installed) into a folder that is kept."""

import os
import subprocess

# Kind -> packages of Debian 12.
PACKAGES = {
    "Japanese documentation":
        "manpages-ja manpages-ja-dev debian-reference-ja debian-policy-ja "
        "developers-reference-ja maint-guide-ja aptitude-doc-ja "
        "libreoffice-help-ja lilypond-doc-html-ja debian-edu-doc-ja "
        "debian-edu-doc-legacy-ja scilab-doc-ja libjlha-java-doc-ja "
        "kicad-doc-ja",
    "documentation": "nodejs-doc python3.11-doc postgresql-doc-15 "
                     "gnumeric-doc gnome-user-docs",
    "sources": "libboost1.81-dev golang-golang-x-net-dev "
               "golang-golang-x-text-dev golang-google-protobuf-dev "
               "librust-serde-dev python3-django "
               "python3-sympy python3-twisted node-lodash libjs-jquery",
    "tables": "iso-codes tzdata ieee-data usbutils usb.ids pci.ids "
              "unicode-data wamerican geoip-database skkdic-extra "
              "kamailio sip-tester wireshark-common libwireshark-data",
    "translations": "wordpress-l10n samba-common-bin",
    "fonts": "fonts-dejavu-core fonts-liberation fonts-vlgothic "
             "fonts-ipafont-gothic fonts-noto-core",
    "firmware": "ovmf seabios qemu-system-data u-boot-qemu memtest86+ "
                "ipxe-qemu grub-pc-bin syslinux-common",
    "binaries": "busybox-static binutils-x86-64-linux-gnu coreutils perl-base "
                "python3.11-minimal libicu72 tcpreplay sngrep sipsak "
                "syslog-ng-core git libc6 bash",
    "programs in archives": "junit4 libcommons-lang3-java",
}


def fetch(cache):
    """(folder, kind) of each package, unpacked under `cache`; downloads what is
    not there yet."""
    archives = os.path.join(cache, "deb")
    os.makedirs(archives, exist_ok=True)
    folders, wanted = [], []
    for kind, names in PACKAGES.items():
        for name in names.split():
            folder = os.path.join(cache, "tree", name)
            folders.append((folder, kind))
            if not os.path.isdir(folder):
                wanted.append(name)
    for name in wanted:
        done = subprocess.run(
            ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root",
             name], cwd=archives, check=False, capture_output=True, text=True)
        found = [deb for deb in os.listdir(archives)
                 if deb.startswith(name + "_")]
        if not found:
            print(f"{name}: not fetched: {done.stderr.strip()}")
            continue
        folder = os.path.join(cache, "tree", name)
        os.makedirs(folder + ".part", exist_ok=True)
        subprocess.run(["dpkg-deb", "-x", os.path.join(archives, found[0]),
                        folder + ".part"], check=True)
        os.rename(folder + ".part", folder)
    return [(folder, kind) for folder, kind in folders if os.path.isdir(folder)]
