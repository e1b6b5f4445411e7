// What is on a device's media now, and what was: whole lists, searched here.
import { Alert as Banner, Box, Link, Stack, Table, TableBody, TableCell, TableContainer, TableHead, TableRow, TextField, Typography } from '@mui/material';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink } from 'react-router-dom';

import { get } from '../api/client';
import type { DeviceContents, MediumContents, MediumFile } from '../api/types';
import { formatBytes, formatNumber, formatTime } from '../format';
import { Loaded } from './State';

// More rows than these nobody reads, and no browser likes them.
const MOST_ROWS = 200;

export function useContents(id: string) {
  return useQuery({ queryKey: ['story', id, 'contents'], queryFn: () => get<DeviceContents>('devices:contents', { device_id: id }) });
}

function DataText({ data, counted = true }: { data: Record<string, number>; counted?: boolean }) {
  const { t } = useTranslation();
  const named = ([type, count]: [string, number]) => t(`type.${type}`, { defaultValue: type }) + (counted ? ` ${formatNumber(count)}` : '');
  return <>{Object.entries(data).map(named).join(', ')}</>;
}

// Files, people and types: what goes with the device when it is lost.
export function ContentsSum({ medium }: { medium: MediumContents }) {
  const { t } = useTranslation();
  return (
    <Typography variant="body2">
      {t('contents.sum', { files: formatNumber(medium.file_count), personal: formatNumber(medium.personal_count), persons: formatNumber(medium.persons) })}{' '}
      <DataText data={medium.data} />
    </Typography>
  );
}

function Note({ file }: { file: MediumFile }) {
  const { t } = useTranslation();
  if (file.gone_time) return <>{t(`contents.gone.${file.gone}`)} · {formatTime(file.gone_time)}</>;
  if (file.from_elsewhere) return <>{t('contents.fromElsewhere')}</>;
  if (file.other_size) return <>{t('contents.otherSize')}</>;
  return <>{file.other_time ? t('contents.otherTime') : ''}</>;
}

function Files({ title, files }: { title: string; files: MediumFile[] }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const found = files.filter((file) => `${file.path} ${file.copy?.person ?? ''} ${file.copy?.data_owner ?? ''} ${file.terminal}`.toLowerCase().includes(text.toLowerCase()));
  if (files.length === 0) return null;
  return (
    <Box>
      <Stack direction="row" useFlexGap sx={{ gap: 2, alignItems: 'center', flexWrap: 'wrap', my: 1 }}>
        <Typography component="h3" variant="subtitle2">{title} ({formatNumber(files.length)})</Typography>
        {files.length > 10 && <TextField size="small" label={t('contents.search')} value={text} onChange={(e) => setText(e.target.value)} />}
      </Stack>
      <TableContainer sx={{ maxHeight: '60vh' }} tabIndex={0} role="region" aria-label={title}>
        <Table size="small" stickyHeader aria-label={title}>
          <TableHead><TableRow><TableCell>{t('transfer.file')}</TableCell><TableCell align="right">{t('transfer.persons')}</TableCell><TableCell>{t('contents.data')}</TableCell><TableCell>{t('who.person')}</TableCell><TableCell>{t('contents.since')}</TableCell></TableRow></TableHead>
          <TableBody>
            {found.slice(0, MOST_ROWS).map((file, i) => (
              <TableRow key={`${file.path} ${i}`}>
                <TableCell sx={{ overflowWrap: 'anywhere', minWidth: 160 }}>
                  {file.copy ? <Link component={RouterLink} to={`/events/${file.copy.row_id}`}>{file.path}</Link> : file.path}
                  <Typography variant="caption" component="div" color="text.secondary">{file.size === null ? '' : formatBytes(file.size)} <Note file={file} /></Typography>
                </TableCell>
                <TableCell align="right">{file.copy ? formatNumber(file.copy.persons) : t('app.unknown')}</TableCell>
                <TableCell>{file.copy && <DataText data={file.copy.data} counted={false} />}{file.copy?.data_owner ? ` · ${file.copy.data_owner}` : ''}</TableCell>
                <TableCell>{file.copy?.person ?? ''}<Typography variant="caption" component="div" color="text.secondary">{file.terminal}</Typography></TableCell>
                <TableCell>{formatTime(file.since)}</TableCell>
              </TableRow>
            ))}
          </TableBody>
        </Table>
      </TableContainer>
      {found.length > MOST_ROWS && <Typography variant="caption" color="text.secondary">{t('contents.more', { count: found.length - MOST_ROWS })}</Typography>}
    </Box>
  );
}

function Medium({ medium, several }: { medium: MediumContents; several: boolean }) {
  const { t } = useTranslation();
  const listed = medium.list_time
    ? t(medium.list_complete ? 'contents.listed' : 'contents.listedPart', { time: formatTime(medium.list_time), terminal: medium.list_terminal, files: formatNumber(medium.list_count) })
    : t('contents.neverListed');
  return (
    <Box sx={{ mb: 2 }}>
      {several && <Typography variant="subtitle2">{medium.label || medium.volume || t('app.unknown')} · {medium.filesystem} · {formatTime(medium.last_time)}</Typography>}
      <ContentsSum medium={medium} />
      <Typography variant="body2" color="text.secondary">{listed}</Typography>
      {medium.erase_time && <Typography variant="body2">{t('contents.erasedAt', { time: formatTime(medium.erase_time), bytes: formatBytes(medium.erased_bytes) })}</Typography>}
      {medium.behind && <Banner severity="warning" sx={{ my: 1 }}>{t('contents.behind')}</Banner>}
      {medium.cut && <Banner severity="info" sx={{ my: 1 }}>{t('around.cut')}</Banner>}
      <Files title={t('contents.now')} files={medium.files} />
      <Files title={t('contents.before')} files={medium.gone} />
    </Box>
  );
}

export function Contents({ id }: { id: string }) {
  const { t } = useTranslation();
  const contents = useContents(id);
  return (
    <Loaded query={contents}>
      {(told) => (
        <>
          {told.media.length === 0 && <Typography variant="body2" color="text.secondary">{t('contents.none')}</Typography>}
          {told.media.map((medium) => <Medium key={medium.volume} medium={medium} several={told.media.length > 1} />)}
        </>
      )}
    </Loaded>
  );
}
