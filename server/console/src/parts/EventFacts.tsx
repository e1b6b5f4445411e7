// The facts of an event, in the groups people ask for them.
import { Link, Table, TableBody, TableCell, TableHead, TableRow, Typography } from '@mui/material';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink } from 'react-router-dom';

import type { Column, DeviceFacts, Event, Landing, Transfer, Who } from '../api/types';
import { deviceName, formatBytes, formatNumber, formatShare, formatTime } from '../format';
import { Code, Fact, OutcomeChip } from './Shown';

const known = (id: number) => (id < 0 || id === 4294967295 ? '' : String(id));

export function WhoFacts({ who }: { who: Who }) {
  const { t } = useTranslation();
  return (
    <Table size="small">
      <TableBody>
        <Fact name={t('who.person')}>{(who.proven_by ? who.stated_person : who.person) || t('app.unknown')}</Fact>
        {who.proven_by !== '' && <Fact name={t('who.account')}>{who.person}</Fact>}
        {who.stated_person !== '' && <Fact name={t('who.stated')}>{who.proven_by ? t('who.provenBy', { proof: t(`who.${who.proven_by}`, { defaultValue: who.proven_by }) }) : t('who.notProven', { person: who.stated_person })}</Fact>}
        <Fact name={t('who.origin')}>{who.origin}</Fact>
        <Fact name={t('who.ssh')}>{who.ssh_source}</Fact>
        <Fact name={t('who.sshKey')}>{who.ssh_key && <Code>{who.ssh_key}</Code>}</Fact>
        <Fact name={t('who.loginTime')}>{who.login_time && formatTime(who.login_time)}</Fact>
        <Fact name={t('who.tty')}>{who.tty}</Fact>
        <Fact name={t('who.seat')}>{who.seat}</Fact>
        <Fact name={t('who.session')}>{known(who.audit_session)}</Fact>
        <Fact name={t('who.uid')}>{known(who.uid)}</Fact>
        <Fact name={t('who.loginUid')}>{known(who.login_uid)}</Fact>
        <Fact name={t('who.program')}>{who.program && <Code>{who.program}</Code>}</Fact>
        <Fact name={t('who.command')}>{who.command && <Code>{who.command}</Code>}</Fact>
        <Fact name={t('who.others')}>{who.other_persons.join(', ')}</Fact>
      </TableBody>
    </Table>
  );
}

export function TransferFacts({ transfer }: { transfer: Transfer }) {
  const { t } = useTranslation();
  const typeName = (type: string) => t(`type.${type}`, { defaultValue: type });
  const data = Object.entries(transfer.data)
    .map(([type, count]) => `${typeName(type)} ${formatNumber(count)}`)
    .join(', ');
  return (
    <>
      <Table size="small">
        <TableBody>
          <Fact name={t('transfer.file')}><Code>{transfer.file_path}</Code></Fact>
          <Fact name={t('transfer.persons')}><strong>{formatNumber(transfer.persons)}</strong></Fact>
          <Fact name={t('transfer.owners')}>{transfer.data_owners.map((one) => t('transfer.ownersPeople', { owner: one.owner, persons: formatNumber(one.persons) })).join(', ')}</Fact>
          <Fact name={t('transfer.written')}>{formatNumber(transfer.persons_written)}</Fact>
          <Fact name={t('transfer.data')}>{data}</Fact>
          <Fact name={t('transfer.format')}>{[transfer.format, transfer.encoding].filter(Boolean).join(', ')}</Fact>
          <Fact name={t('transfer.bytes')}>{formatBytes(transfer.inspected_bytes)}</Fact>
          <Fact name={t('transfer.inspection')}>
            {t(`inspection.${transfer.inspection}`)}
            {transfer.inspection_reason && ` (${transfer.inspection_reason})`}
          </Fact>
          <Fact name={t('transfer.hash')}>{transfer.file_sha256 && <Link component={RouterLink} to={`/events?file_hash=${transfer.file_sha256}`}><Code>{transfer.file_sha256}</Code></Link>}</Fact>
        </TableBody>
      </Table>
    </>
  );
}

// Where the data came from: of a landing itself, or of what a copy was made of.
export function LandingFacts({ landing }: { landing: Landing }) {
  const { t } = useTranslation();
  return (
    <Table size="small">
      <TableBody>
        <Fact name={t('landing.hosts')}>{landing.source_hosts.length > 0 ? <strong>{landing.source_hosts.join(', ')}</strong> : t('app.unknown')}</Fact>
        <Fact name={t('landing.path')}>{landing.path && <Code>{landing.path}</Code>}</Fact>
        <Fact name={t('landing.time')}>{landing.time && formatTime(landing.time)}</Fact>
        <Fact name={t('landing.person')}>{landing.person}</Fact>
        <Fact name={t('landing.match')}>{landing.match && t(`landing.${landing.match}`)}</Fact>
        <Fact name={t('landing.unchanged')}>{landing.unchanged_since && formatTime(landing.unchanged_since)}</Fact>
        <Fact name={t('landing.owner')}>{landing.file_owner}</Fact>
      </TableBody>
    </Table>
  );
}

export function ColumnFacts({ columns }: { columns: Column[] }) {
  const { t } = useTranslation();
  if (columns.length === 0) return null;
  return (
    <>
      <Typography component="h3" variant="subtitle2" sx={{ mt: 2 }}>
        {t('transfer.columns')}
      </Typography>
      <Table size="small" aria-label={t('transfer.columns')}>
        <TableHead>
          <TableRow>
            <TableCell sx={{ pl: 0 }}>{t('transfer.column')}</TableCell>
            <TableCell>{t('transfer.type')}</TableCell>
            <TableCell align="right">{t('transfer.rows')}</TableCell>
            <TableCell align="right">{t('transfer.share')}</TableCell>
          </TableRow>
        </TableHead>
        <TableBody>
          {columns.map((column, i) => (
            <TableRow key={i}>
              <TableCell sx={{ pl: 0 }}>{column.name || `#${i + 1}`}</TableCell>
              <TableCell>{t(`type.${column.type}`, { defaultValue: column.type })}</TableCell>
              <TableCell align="right">{formatNumber(column.rows)}</TableCell>
              <TableCell align="right">{formatShare(column.share)}</TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </>
  );
}

export function DeviceFactsRows({ facts }: { facts: DeviceFacts }) {
  const { t } = useTranslation();
  return (
    <>
      <Fact name={t('device.name')}>{deviceName(facts)}</Fact>
      <Fact name="VID:PID"><Code>{`${facts.vendor_id}:${facts.product_id}`}</Code></Fact>
      <Fact name={t('device.serial')}>{facts.serial && <Code>{facts.serial}</Code>}</Fact>
      <Fact name={t('device.size')}>{facts.size_bytes > 0 ? formatBytes(facts.size_bytes) : ''}</Fact>
      <Fact name={t('device.filesystem')}>{facts.filesystem}</Fact>
      <Fact name={t('device.label')}>{facts.volume_label}</Fact>
      <Fact name={t('device.encryption')}>{facts.encryption}</Fact>
      <Fact name={t('device.port')}>{facts.port}</Fact>
    </>
  );
}

export function EventFacts({ event }: { event: Event }) {
  const { t } = useTranslation();
  return (
    <Table size="small">
      <TableBody>
        <Fact name={t('event.kind')}>{t(`kind.${event.kind}`, { defaultValue: event.kind })}</Fact>
        <Fact name={t('event.outcome')}><OutcomeChip outcome={event.outcome} /></Fact>
        <Fact name={t('event.occurred')}>{formatTime(event.occur_time)}</Fact>
        <Fact name={t('event.received')}>{formatTime(event.receive_time)}</Fact>
        <Fact name={t('event.kernelWritten')}>{event.counters && formatBytes(event.counters.kernel_written)}</Fact>
        <Fact name={t('event.gateWritten')}>{event.counters && formatBytes(event.counters.gate_written)}</Fact>
        <Fact name={t('event.kernelRead')}>{event.counters && formatBytes(event.counters.kernel_read)}</Fact>
        <Fact name={t('event.sequence')}>{`${event.epoch} / ${event.sequence}`}</Fact>
        <Fact name={t('event.hash')}><Code>{event.hash}</Code></Fact>
      </TableBody>
    </Table>
  );
}
