import { MenuItem, Stack, TableCell, TableRow, TextField, Typography } from '@mui/material';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink, useSearchParams } from 'react-router-dom';

import type { Alert } from '../api/types';
import { deviceName, fileName, formatNumber, formatSpan, formatTime } from '../format';
import { DecideRequest } from '../parts/DecideRequest';
import { OfflineCodes } from '../parts/OfflineCodes';
import { Rows, usePages } from '../parts/Rows';
import { TransferGrants } from '../parts/TransferGrants';
import { Code } from '../parts/Shown';
import { alertStory } from '../story';

const OPEN = 'new,acknowledged,in_progress';

export function Requests({ mayChange }: { mayChange: boolean }) {
  const { t } = useTranslation();
  const [query, setQuery] = useSearchParams({ state: OPEN });
  const state = query.get('state') ?? OPEN;
  const pages = usePages<Alert>('alerts', 'alerts', { kind: 'approval_request', state });
  const decided = (request: Alert) => (
    <>
      <Typography variant="body2">{t(`verdict.${request.verdict}`, { defaultValue: request.verdict })}</Typography>
      {request.comments.slice(-1).map((comment) => (
        <Typography key={comment.time} variant="caption" component="div" color="text.secondary">{comment.author}: {comment.text}</Typography>
      ))}
    </>
  );
  return (
    <>
      <Stack direction="row" spacing={2} useFlexGap sx={{ mb: 2, alignItems: 'center', flexWrap: 'wrap' }}>
        <Typography component="h1" variant="h5" sx={{ flexGrow: 1 }}>{t('request.list')}</Typography>
        <TextField select size="small" label={t('alert.state')} value={state} sx={{ minWidth: 140 }} onChange={(e) => setQuery({ state: e.target.value })}>
          <MenuItem value={OPEN}>{t('alert.open')}</MenuItem>
          <MenuItem value="closed">{t('request.decided')}</MenuItem>
        </TextField>
      </Stack>
      <Rows
        label={t('request.list')}
        pages={pages}
        head={[t('alert.when'), t('alert.person'), t('device.name'), t('device.purpose'), t('request.howLong'), t('alert.decide')]}
        card={(request) => (
          <Stack component="li" key={request.alert_id} spacing={1} sx={{ pb: 2, borderBottom: 1, borderColor: 'divider', overflowWrap: 'anywhere', '&:last-child': { border: 0, pb: 0 } }}>
            <RouterLink to={`/alerts/${request.alert_id}`} style={{ color: 'inherit' }}>{formatTime(request.create_time)}</RouterLink>
            <Typography>{alertStory(request, t)}</Typography>
            <Code>{request.device_id}</Code>
            {request.state === 'closed' ? decided(request) : mayChange ? <DecideRequest request={request} /> : t('request.waiting')}
          </Stack>
        )}
        row={(request) => (
          <TableRow key={request.alert_id}>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>
              <RouterLink to={`/alerts/${request.alert_id}`} style={{ color: 'inherit' }}>{formatTime(request.create_time)}</RouterLink>
            </TableCell>
            <TableCell>
              {(request.account ? `${request.person} (${request.account})` : request.person) || t('app.unknown')}
              <Typography variant="caption" component="div" color="text.secondary">{request.terminal}</Typography>
            </TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>
              {request.event?.device ? deviceName(request.event.device) : '–'}
              <Typography variant="caption" component="div"><Code>{request.device_id}</Code></Typography>
              {request.event?.request?.of_copy && request.event.transfer && (
                <Typography variant="body2">{t('request.oneCopy', { file: fileName(request.event.transfer.file_path), persons: formatNumber(request.event.transfer.persons) })}</Typography>
              )}
            </TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{request.event?.request?.purpose || '–'}</TableCell>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>{formatSpan(request.event?.request?.seconds ?? 0)}</TableCell>
            <TableCell>{request.state === 'closed' ? decided(request) : mayChange ? <DecideRequest request={request} /> : t('request.waiting')}</TableCell>
          </TableRow>
        )}
      />
      <Typography variant="body2" color="text.secondary" sx={{ mt: 1 }}>{t('request.own')}</Typography>
      <TransferGrants mayChange={mayChange} />
      <OfflineCodes mayChange={mayChange} />
    </>
  );
}
