import assert from 'node:assert/strict';

import { type ContainerFacts, parseContainer } from '../../src/enrich/container.ts';

const A = '5f9c4ab08cac7457e9111a30e4664920607ea2c115a1433d7be98e97e64244ca';
const B = '0d9c4ab08cac7457e9111a30e4664920607ea2c115a1433d7be98e97e64244cb';
const UID = '3d5a9b7e-08c1-4a52-9f0e-6f4b2c1d7e90';
const UID_ = UID.replaceAll('-', '_');

const CASES: Array<[string, ContainerFacts]> = [
  ['/', {}],
  ['/user.slice/user-1000.slice/session-2.scope', {}],
  ['/system.slice/nginx.service', {}],
  [`/docker/${A}`, { id: A, runtime: 'docker' }],
  [`/system.slice/docker-${A}.scope`, { id: A, runtime: 'docker' }],
  [`/system.slice/docker-${A}.scope/init`, { id: A, runtime: 'docker' }],
  [`/kubepods/burstable/pod${UID}/${A}`, { podUid: UID, id: A }],
  [`/kubepods/besteffort/pod${UID}/${A}`, { podUid: UID, id: A }],
  [`/kubepods/pod${UID}/${A}`, { podUid: UID, id: A }],
  [
    `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UID_}.slice/cri-containerd-${A}.scope`,
    { podUid: UID, id: A, runtime: 'containerd' },
  ],
  [
    `/kubepods.slice/kubepods-pod${UID_}.slice/cri-containerd-${A}.scope`,
    { podUid: UID, id: A, runtime: 'containerd' },
  ],
  [
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/docker-${A}.scope`,
    { podUid: UID, id: A, runtime: 'docker' },
  ],
  [
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/crio-${A}.scope`,
    { podUid: UID, id: A, runtime: 'cri-o' },
  ],
  [
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/crio-${A}.scope/container`,
    { podUid: UID, id: A, runtime: 'cri-o' },
  ],
  [`/kubepods.slice/crio-conmon-${A}.scope`, {}],
  [
    `/system.slice/containerd.service/kubepods-burstable-pod${UID_}.slice:cri-containerd:${A}`,
    { podUid: UID, id: A, runtime: 'containerd' },
  ],
  [`/kubepods-pod${UID_}.slice:cri-containerd:${A}`, { podUid: UID, id: A, runtime: 'containerd' }],
  [`/kubepods/burstable/pod${'9f'.repeat(16)}/${A}`, { podUid: '9f'.repeat(16), id: A }],
  [`/machine.slice/libpod-${A}.scope/container`, { id: A, runtime: 'podman' }],
  [
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${A}.scope/container`,
    { id: A, runtime: 'podman' },
  ],
  [`/libpod_parent/libpod-${A}`, { id: A, runtime: 'podman' }],
  [`/machine.slice/libpod-conmon-${A}.scope`, {}],
  [`/default/nerdctl-${A}`, { id: A, runtime: 'containerd' }],
  ['/lxc/web1', { name: 'web1', runtime: 'lxc' }],
  ['/lxc.payload.web1/system.slice/nginx.service', { name: 'web1', runtime: 'lxc' }],
  ['/lxc.monitor.web1', {}],
  ['/machine.slice/machine-web1.scope/payload', { name: 'web1', runtime: 'nspawn' }],
  [
    '/ecs/8e1f/0f2c6e0d21714b0ab4a2c0b1f7a0b1aa-1234567890',
    { id: '0f2c6e0d21714b0ab4a2c0b1f7a0b1aa-1234567890' },
  ],
  // kind: the node is a Docker container, the pod's container inside it counts
  [
    `/docker/${B}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod${UID_}.slice/cri-containerd-${A}.scope`,
    { podUid: UID, id: A, runtime: 'containerd' },
  ],
  [`/docker/${B}/docker/${A}`, { id: A, runtime: 'docker' }],
  [`/kubepods/burstable/pod${UID}/${B}/docker/${A}`, { podUid: UID, id: A, runtime: 'docker' }],
];

describe('enrich/container', () => {
  it(`reads ${CASES.length} cgroup paths of all common runtimes`, () => {
    for (const [path, expected] of CASES) assert.deepEqual(parseContainer(path), expected, path);
  });

  it('takes no path for none', () => {
    assert.deepEqual(parseContainer(undefined), {});
  });
});
