// How far the newest policy has come: which terminals hold it, which do not.
import { Box, LinearProgress, Stack, Table, TableBody, TableCell, TableHead, TableRow, Typography } from '@mui/material';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { get } from '../api/client';
import type { Agent, Page } from '../api/types';
import { formatNumber, formatTime } from '../format';
import { Help } from './Help';
import { Loaded } from './State';

async function everyAgent(): Promise<Agent[]> {
  const agents: Agent[] = [];
  let token = '';
  do {
    const page = await get<Page<Agent>>('agents', { page_size: '1000', page_token: token });
    agents.push(...page.rows);
    token = page.next_page_token;
  } while (token !== '');
  return agents;
}

export function RollOut({ newest }: { newest: number }) {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ['agents', 'all'], queryFn: everyAgent });
  return (
    <Loaded query={query}>
      {(all) => {
        const agents = all.filter((agent) => agent.state !== 'revoked');
        const behind = agents.filter((agent) => agent.policy_version < newest);
        const done = agents.length - behind.length;
        const words = t('policy.progress', { done: formatNumber(done), all: formatNumber(agents.length), version: newest });
        return (
          <Stack spacing={2}>
            <Box>
              <Typography variant="body1" sx={{ mb: 0.5 }}>{words} <Help term="progress" /></Typography>
              <LinearProgress variant="determinate" value={agents.length > 0 ? (done / agents.length) * 100 : 0} aria-label={words} sx={{ height: 10, borderRadius: 1 }} />
            </Box>
            {behind.length > 0 && (
              <Box sx={{ overflowX: 'auto' }}>
                <Typography component="h3" variant="subtitle2">{t('policy.behind')}</Typography>
                <Table size="small" aria-label={t('policy.behind')}>
                  <TableHead><TableRow><TableCell>{t('terminal.name')}</TableCell><TableCell>{t('terminal.policy')}</TableCell><TableCell>{t('terminal.state')}</TableCell><TableCell>{t('terminal.seen')}</TableCell></TableRow></TableHead>
                  <TableBody>
                    {behind.slice(0, 200).map((agent) => (
                      <TableRow key={agent.agent_id}><TableCell>{agent.terminal}</TableCell><TableCell>{agent.policy_version || '–'}</TableCell><TableCell>{t(`agentState.${agent.state}`)}</TableCell><TableCell>{formatTime(agent.last_seen_time)}</TableCell></TableRow>
                    ))}
                  </TableBody>
                </Table>
              </Box>
            )}
          </Stack>
        );
      }}
    </Loaded>
  );
}
