# Run by cpack when everything is in its staging folder, stripped: writes the list
# of the agent's programs (docs/upgrade_manifest.md) that goes into the package's
# control archive for preinst.
set(programs
  /usr/sbin/sekishod
  /usr/libexec/sekisho/sekisho-devices
  /usr/libexec/sekisho/sekisho-gate
  /usr/libexec/sekisho/sekisho-probe
  /usr/libexec/sekisho/sekisho-scan
  /usr/libexec/sekisho/sekisho-unlock
  /usr/libexec/sekisho/sekisho-uplink)
set(staged "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/agent")
set(text "sekisho-upgrade-1\npackage sekisho-agent ${CPACK_PACKAGE_VERSION}\n")
foreach(program IN LISTS programs)
  file(SHA256 "${staged}${program}" digest)
  file(SIZE "${staged}${program}" size)
  string(APPEND text "${digest} ${size} ${program}\n")
endforeach()
file(WRITE "${CPACK_SEKISHO_PROGRAMS}" "${text}")
