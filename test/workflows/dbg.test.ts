import { test } from 'vitest';
import { rows, useNamespace } from '../support/rig.ts';
const { rig: newRig } = useNamespace();
test('dbg', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: 'never', fault: 'rate_limited' }], retry_delay_ms: 3_600_000 } });
    await rig.submit(rows(1, { 1: 'never' }), { maxHistoryEvents: 10 });
    await rig.untilCalled(1);
    console.log('called');
    for (let touched = 1; touched <= 12; touched++) { await rig.batch.setLimits({ budgetUsd: touched }); console.log(touched, await rig.runs()); }
    await rig.workflow.cancel();
    for (let i=0;i<10;i++) { await new Promise(r=>setTimeout(r,1000)); console.log((await rig.workflow.describe()).status.name, (await rig.workflow.describe()).historyLength, (await rig.item('a1').describe()).status.name); }
    const h = await rig.workflow.fetchHistory(); 
    console.log(h.events?.map(e=>e.eventType).join(' '));
    const h2 = await rig.item('a1').fetchHistory(); 
    console.log(h2.events?.map(e=>e.eventType).join(' '));
}, 60000);
