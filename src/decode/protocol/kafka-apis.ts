import { structureOf, type Structure } from './kafka-layout.ts';

/** As a first flexible version: there is none. */
const NEVER = 1000;

/**
 * Every API by its key, from 0 on: the newest version that is known, the first flexible one, and the layouts of its request and its response as
 * far as they matter (see kafka-layout.ts). Facts of the message definitions that Kafka 4.4 is made with, which hold back to version 0.
 */
// prettier-ignore
const APIS: Readonly<Record<string, readonly [latest: number, flexible: number, request: string, response: string]>> = {
  Produce: [13, 9, 'str@3+ i16=acks i32 [{ str@0-12=topic uuid@13+=topicId [{ i32=partition records=records }] }]', '[{ str@0-12 uuid@13+ [{ i32 i16=error i64=offset i64@2+ i64@5+ [{ i32 str }]@8+ str@8+ }] }] ~'],
  Fetch: [18, 12, 'i32@0-14=replica i32=wait i32 i32@3+ i8@4+ i32@7+ i32@7+=epoch [{ str@0-12=topic uuid@13+=topicId [{ i32=partition i32@9+ i64 i32@12+ i64@5+ i32 }] }] here@7+=forgotten [{ str@7-12=topic uuid@13+=topicId [ i32=partition ] }]@7+ str@11+', 'i32@1+ i16@7+=error i32@7+ [{ str@0-12=topic uuid@13+=topicId [{ i32=partition i16=error i64 i64@4+ i64@5+ [{ i64 i64 }]@4+ i32@11+ records=records }] }]'],
  ListOffsets: [11, 6, 'i32 i8@2+ [{ str=topic [{ i32=partition i32@4+ i64 }] }] i32@10+', 'i32@2+ [{ str [{ i32 i16=error i64@1+ i64@1+ i32@4+ }] }]'],
  Metadata: [13, 9, '[{ uuid@10+=topicId str=topic }] i8@4+ i8@8-10 i8@8+', 'i32@3+ [{ i32 str i32 str@1+ }] str@2+ i32@1+ [{ i16=error str=topic uuid@10+=topicId i8@1+ [{ i16=error i32 i32 i32@7+ [ i32 ] [ i32 ] [ i32 ]@5+ }] i32@8+ }] i32@8-10 i16@13+=error'],
  LeaderAndIsr: [7, 4, '~', '~'],
  StopReplica: [4, 2, '~', '~'],
  UpdateMetadata: [8, 6, '~', '~'],
  ControlledShutdown: [3, 3, '~', '~'],
  OffsetCommit: [10, 8, 'str=group i32@1+ str@1+ str@7+ i64@2-4 [{ str@0-9=topic uuid@10+=topicId [{ i32=partition i64 i32@6+ str }] }]', 'i32@3+ [{ str@0-9 uuid@10+ [{ i32 i16=error }] }]'],
  OffsetFetch: [10, 6, 'str@0-7=group [{ str=topic [ i32=partition ] }]@0-7 [{ str=group str@9+ i32@9+ [{ str@8-9=topic uuid@10+=topicId [ i32=partition ] }] }]@8+ i8@7+', 'i32@3+ [{ str [{ i32 i64 i32@5-7 str i16=error }] }]@0-7 i16@2-7=error [{ str [{ str@8-9 uuid@10+ [{ i32 i64 i32 str i16=error }] }] i16=error }]@8+'],
  FindCoordinator: [6, 3, 'str@0-3=key i8@1+=keyType [ str=key ]@4+', 'i32@1+ i16@0-3=error str@1-3 i32@0-3 str@0-3 i32@0-3 [{ str i32 str i32 i16=error str }]@4+'],
  JoinGroup: [9, 6, 'str=group i32 i32@1+ str str@5+ str [{ str bytes }] str@8+', 'i32@2+ i16=error ~'],
  Heartbeat: [4, 4, 'str=group i32 str str@3+', 'i32@1+ i16=error'],
  LeaveGroup: [5, 4, 'str=group str@0-2 [{ str str str@5+ }]@3+', 'i32@1+ i16=error [{ str str i16=error }]@3+'],
  SyncGroup: [5, 4, 'str=group i32 str str@3+ str@5+ str@5+ [{ str bytes }]', 'i32@1+ i16=error ~'],
  DescribeGroups: [6, 5, '[ str=group ] i8@3+', 'i32@1+ [{ i16=error str@6+ str str str str [{ str str@4+ str str bytes bytes }] i32@3+ }]'],
  ListGroups: [5, 3, '[ str ]@4+ [ str ]@5+', 'i32@1+ i16=error ~'],
  SaslHandshake: [1, NEVER, 'str', 'i16=error ~'],
  ApiVersions: [5, 3, 'str@3+ str@3+ str@5+ i32@5+', 'i16=error ~'],
  CreateTopics: [7, 5, '[{ str=topic i32 i16 [{ i32 [ i32 ] }] [{ str str }] }] i32 i8@1+', 'i32@2+ [{ str=topic uuid@7+=topicId i16=error str@1+ i32@5+ i16@5+ [{ str str i8 i8 i8 }]@5+ }]'],
  DeleteTopics: [6, 4, '[{ str=topic uuid=topicId }]@6+ [ str=topic ]@0-5 i32', 'i32@1+ [{ str uuid@6+ i16=error str@5+ }]'],
  DeleteRecords: [2, 2, '[{ str=topic [{ i32=partition i64 }] }] i32', 'i32 [{ str [{ i32 i64 i16=error }] }]'],
  InitProducerId: [6, 2, 'str i32 i64@3+ i16@3+ i8@6+ i8@6+', 'i32 i16=error ~'],
  OffsetForLeaderEpoch: [4, 4, 'i32@3+ [{ str=topic [{ i32=partition i32@2+ i32 }] }]', 'i32@2+ [{ str [{ i16=error i32 i32@1+ i64 }] }]'],
  AddPartitionsToTxn: [5, 3, '[{ str i64 i16 i8 [{ str=topic [ i32=partition ] }] }]@4+ str@0-3 i64@0-3 i16@0-3 [{ str=topic [ i32=partition ] }]@0-3', 'i32 i16@4+=error [{ str [{ str [{ i32 i16=error }] }] }]@4+ [{ str [{ i32 i16=error }] }]@0-3'],
  AddOffsetsToTxn: [4, 3, 'str i64 i16 str=group', 'i32 i16=error'],
  EndTxn: [5, 3, 'str i64 i16 i8', 'i32 i16=error ~'],
  WriteTxnMarkers: [2, 1, '[{ i64 i16 i8 [{ str=topic [ i32=partition ] }] i32 i8@2+ }]', '[{ i64 [{ str [{ i32 i16=error }] }] }]'],
  TxnOffsetCommit: [6, 3, 'str str=group i64 i16 i32@3+ str@3+ str@3+ [{ str@0-5=topic uuid@6+=topicId [{ i32=partition i64 i32@2+ str }] }]', 'i32 [{ str@0-5 uuid@6+ [{ i32 i16=error }] }]'],
  DescribeAcls: [3, 2, 'i8 str i8@1+ str str i8 i8', 'i32 i16=error ~'],
  CreateAcls: [3, 2, '[{ i8 str i8@1+ str str i8 i8 }]', 'i32 [{ i16=error str }]'],
  DeleteAcls: [3, 2, '[{ i8 str i8@1+ str str i8 i8 }]', 'i32 [{ i16=error str [{ i16=error str i8 str i8@1+ str str i8 i8 }] }]'],
  DescribeConfigs: [4, 4, '[{ i8 str [ str ] }] i8@1+ i8@3+', 'i32 [{ i16=error str i8 str [{ str str i8 i8@1+ i8 [{ str str i8 }]@1+ i8@3+ str@3+ }] }]'],
  AlterConfigs: [2, 2, '[{ i8 str [{ str str }] }] i8', 'i32 [{ i16=error str i8 str }]'],
  AlterReplicaLogDirs: [2, 2, '[{ str [{ str [ i32 ] }] }]', 'i32 [{ str [{ i32 i16=error }] }]'],
  DescribeLogDirs: [5, 2, '[{ str=topic [ i32=partition ] }]', 'i32 i16@3+=error [{ i16=error str [{ str [{ i32 i64 i64 i8 }] }] i64@4+ i64@4+ i8@5+ }]'],
  SaslAuthenticate: [2, 2, 'bytes', 'i16=error ~'],
  CreatePartitions: [3, 2, '[{ str=topic i32 [{ [ i32 ] }] }] i32 i8', 'i32 [{ str i16=error str }]'],
  CreateDelegationToken: [3, 2, 'str@3+ str@3+ [{ str str }] i64', 'i16=error ~'],
  RenewDelegationToken: [2, 2, 'bytes i64', 'i16=error ~'],
  ExpireDelegationToken: [2, 2, 'bytes i64', 'i16=error ~'],
  DescribeDelegationToken: [3, 2, '[{ str str }]', 'i16=error ~'],
  DeleteGroups: [3, 2, '[ str=group ]', 'i32 [{ str i16=error str@3+ }]'],
  ElectLeaders: [2, 2, 'i8@1+ [{ str=topic [ i32=partition ] }] i32', 'i32 i16@1+=error [{ str [{ i32 i16=error str }] }]'],
  IncrementalAlterConfigs: [1, 1, '[{ i8 str [{ str i8 str }] }] i8', 'i32 [{ i16=error str i8 str }]'],
  AlterPartitionReassignments: [1, 0, 'i32 i8@1+ [{ str=topic [{ i32=partition [ i32 ] }] }]', 'i32 i8@1+ i16=error str [{ str [{ i32 i16=error str }] }]'],
  ListPartitionReassignments: [0, 0, 'i32 [{ str=topic [ i32=partition ] }]', 'i32 i16=error ~'],
  OffsetDelete: [0, NEVER, 'str=group [{ str=topic [{ i32=partition }] }]', 'i16=error i32 [{ str [{ i32 i16=error }] }]'],
  DescribeClientQuotas: [1, 1, '[{ str i8 str }] i8', 'i32 i16=error ~'],
  AlterClientQuotas: [1, 1, '[{ [{ str str }] [{ str i64 i8 }] }] i8', 'i32 [{ i16=error str [{ str str }] }]'],
  DescribeUserScramCredentials: [0, 0, '[{ str }]', 'i32 i16=error str [{ str i16=error str [{ i8 i32 }] }]'],
  AlterUserScramCredentials: [0, 0, '[{ str i8 }] [{ str i8 i32 bytes bytes }]', 'i32 [{ str i16=error str }]'],
  Vote: [2, 0, 'str i32@1+ [{ str=topic [{ i32=partition i32 i32 uuid@1+ uuid@1+ i32 i64 i8@2+ }] }]', 'i16=error [{ str [{ i32 i16=error i32 i32 i8 }] }]'],
  BeginQuorumEpoch: [1, 1, 'str i32@1+ [{ str=topic [{ i32=partition uuid@1+ i32 i32 }] }] [{ str str i16 }]@1+', 'i16=error [{ str [{ i32 i16=error i32 i32 }] }]'],
  EndQuorumEpoch: [1, 1, 'str [{ str=topic [{ i32=partition i32 i32 [ i32 ]@0 [{ i32 uuid }]@1+ }] }] [{ str str i16 }]@1+', 'i16=error [{ str [{ i32 i16=error i32 i32 }] }]'],
  DescribeQuorum: [2, 0, '[{ str=topic [{ i32=partition }] }]', 'i16=error str@2+ [{ str [{ i32 i16=error str@2+ i32 i32 i64 [{ i32 uuid@2+ i64 i64@1+ i64@1+ }] [{ i32 uuid@2+ i64 i64@1+ i64@1+ }] }] }] ~'],
  AlterPartition: [3, 0, 'i32 i64 [{ uuid@2+=topicId [{ i32=partition i32 [ i32 ]@0-2 [{ i32 i64 }]@3+ i8@1+ i32 }] }]', 'i32 i16=error [{ uuid@2+ [{ i32 i16=error i32 i32 [ i32 ] i8@1+ i32 }] }]'],
  UpdateFeatures: [2, 0, 'i32 [{ str i16 i8@0 i8@1+ }] i8@1+', 'i32 i16=error str [{ str i16=error str }]@0-1'],
  Envelope: [0, 0, 'bytes bytes bytes', 'bytes i16=error'],
  FetchSnapshot: [1, 0, 'i32 i32 [{ str=topic [{ i32=partition i32 ( i64 i32 ) i64 }] }]', 'i32 i16=error [{ str [{ i32 i16=error ( i64 i32 ) i64 i64 records }] }]'],
  DescribeCluster: [2, 0, 'i8 i8@1+ i8@2+', 'i32 i16=error ~'],
  DescribeProducers: [0, 0, '[{ str=topic [ i32=partition ] }]', 'i32 [{ str [{ i32 i16=error str [{ i64 i32 i32 i64 i32 i64 }] }] }]'],
  BrokerRegistration: [4, 0, 'i32 str uuid [{ str str i16 i16 }] [{ str i16 i16 }] str i8@1+ [ uuid ]@2+ i64@3+', 'i32 i16=error ~'],
  BrokerHeartbeat: [2, 0, 'i32 i64 i64 i8 i8', 'i32 i16=error ~'],
  UnregisterBroker: [0, 0, 'i32', 'i32 i16=error ~'],
  DescribeTransactions: [0, 0, '[ str ]', 'i32 [{ i16=error str str i32 i64 i64 i16 [{ str [ i32 ] }] }]'],
  ListTransactions: [2, 0, '[ str ] [ i64 ] i64@1+ str@2+', 'i32 i16=error ~'],
  AllocateProducerIds: [0, 0, 'i32 i64', 'i32 i16=error ~'],
  ConsumerGroupHeartbeat: [1, 0, 'str=group str i32 str str i32 [ str ] str@1+ str [{ uuid [ i32 ] }]', 'i32 i16=error ~'],
  ConsumerGroupDescribe: [1, 0, '[ str=group ] i8', 'i32 [{ i16=error str str str i32 i32 str [{ str str str i32 str str [ str ] str ( [{ uuid str [ i32 ] }] ) ( [{ uuid str [ i32 ] }] ) i8@1+ }] i32 }]'],
  ControllerRegistration: [0, 0, 'i32 uuid i8 [{ str str i16 i16 }] [{ str i16 i16 }]', 'i32 i16=error ~'],
  GetTelemetrySubscriptions: [0, 0, 'uuid', 'i32 i16=error ~'],
  PushTelemetry: [0, 0, 'uuid i32 i8 i8 bytes', 'i32 i16=error'],
  AssignReplicasToDirs: [0, 0, 'i32 i64 [{ uuid [{ uuid=topicId [{ i32=partition }] }] }]', 'i32 i16=error [{ uuid [{ uuid [{ i32 i16=error }] }] }]'],
  ListConfigResources: [1, 0, '[ i8 ]@1+', 'i32 i16=error ~'],
  DescribeTopicPartitions: [0, 0, '[{ str=topic }] i32 ?( str i32 )', 'i32 [{ i16=error str=topic uuid=topicId i8 [{ i16=error i32 i32 i32 [ i32 ] [ i32 ] [ i32 ] [ i32 ] [ i32 ] }] i32 }] ~'],
  ShareGroupHeartbeat: [1, 0, 'str=group str i32 str [ str ]', 'i32 i16=error ~'],
  ShareGroupDescribe: [1, 0, '[ str=group ] i8', 'i32 [{ i16=error str str str i32 i32 str [{ str str i32 str str [ str ] ( [{ uuid str [ i32 ] }] ) }] i32 }]'],
  ShareFetch: [2, 0, 'str=group str i32=epoch i32=wait i32 i32 i32@1+ i32@1+ i8@2+ i8@2+ [{ uuid=topicId [{ i32=partition i32@0 [{ i64 i64 [ i8 ] }] }] }] here=forgotten [{ uuid=topicId [ i32=partition ] }]', 'i32 i16=error str i32@1+ [{ uuid=topicId [{ i32=partition i16=error str i16=error str ( i32 i32 ) records=records [{ i64 i64 i16 }] }] }] ~'],
  ShareAcknowledge: [2, 0, 'str=group str i32 i8@2+ [{ uuid=topicId [{ i32=partition [{ i64 i64 [ i8 ] }] }] }]', 'i32 i16=error str i32@2+ [{ uuid [{ i32 i16=error str ( i32 i32 ) }] }] ~'],
  AddRaftVoter: [1, 0, 'str i32 i32 uuid [{ str str i16 }] i8@1+', 'i32 i16=error ~'],
  RemoveRaftVoter: [0, 0, 'str i32 uuid', 'i32 i16=error ~'],
  UpdateRaftVoter: [0, 0, 'str i32 i32 uuid [{ str str i16 }] ( i16 i16 )', 'i32 i16=error'],
  InitializeShareGroupState: [0, 0, 'str=group [{ uuid=topicId [{ i32=partition i32 i64 }] }]', '[{ uuid [{ i32 i16=error str }] }]'],
  ReadShareGroupState: [0, 0, 'str=group [{ uuid=topicId [{ i32=partition i32 }] }]', '[{ uuid [{ i32 i16=error str i32 i64 [{ i64 i64 i8 i16 }] }] }]'],
  WriteShareGroupState: [1, 0, 'str=group [{ uuid=topicId [{ i32=partition i32 i32 i64 i32@1+ [{ i64 i64 i8 i16 }] }] }]', '[{ uuid [{ i32 i16=error str }] }]'],
  DeleteShareGroupState: [0, 0, 'str=group [{ uuid=topicId [{ i32=partition }] }]', '[{ uuid [{ i32 i16=error str }] }]'],
  ReadShareGroupStateSummary: [1, 0, 'str=group [{ uuid=topicId [{ i32=partition i32 }] }]', '[{ uuid [{ i32 i16=error str i32 i32 i64 i32@1+ }] }]'],
  StreamsGroupHeartbeat: [1, 0, 'str=group ~', 'i32 i16=error ~'],
  StreamsGroupDescribe: [1, 0, '[ str=group ] i8 i8@1+', '~'],
  DescribeShareGroupOffsets: [1, 0, '[{ str=group [{ str=topic [ i32=partition ] }] }]', 'i32 [{ str [{ str uuid [{ i32 i64 i32 i64@1+ i16=error str }] }] i16=error str }]'],
  AlterShareGroupOffsets: [0, 0, 'str=group [{ str=topic [{ i32=partition i64 }] }]', 'i32 i16=error str [{ str uuid [{ i32 i16=error str }] }]'],
  DeleteShareGroupOffsets: [0, 0, 'str=group [{ str=topic }]', 'i32 i16=error str [{ str uuid i16=error str }]'],
  StreamsGroupTopologyDescriptionUpdate: [0, 0, 'str=group ~', 'i32 i16=error ~'],
  UnregisterController: [0, 0, 'i32', 'i32 i16=error ~'],
};

export const Key = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  offsetCommit: 8,
  joinGroup: 11,
  syncGroup: 14,
  saslHandshake: 17,
  apiVersions: 18,
  createTopics: 19,
  describeTopicPartitions: 75,
  shareFetch: 78,
} as const;

/** Versions beyond the newest known one that may be spoken: of their messages only the headers are read. */
const MAX_AHEAD = 3;

/** One kind of request. */
export class Api {
  readonly key: number;
  readonly name: string;
  readonly latest: number;
  readonly #flexible: number;
  readonly #layouts: readonly [request: string, response: string];
  readonly #requests: Structure[] = [];
  readonly #responses: Structure[] = [];

  constructor(key: number, name: string, [latest, flexible, request, response]: (typeof APIS)[string]) {
    this.key = key;
    this.name = name;
    this.latest = latest;
    this.#flexible = flexible;
    this.#layouts = [request, response];
  }

  isFlexible(version: number): boolean {
    return version >= this.#flexible;
  }

  hasVersion(version: number): boolean {
    return version >= 0 && version <= this.latest + MAX_AHEAD;
  }

  request(version: number): Structure | undefined {
    if (version > this.latest) return undefined;
    return (this.#requests[version] ??= structureOf(this.#layouts[0], version));
  }

  response(version: number): Structure | undefined {
    if (version > this.latest) return undefined;
    return (this.#responses[version] ??= structureOf(this.#layouts[1], version));
  }
}

/** By key. */
export const APIS_BY_KEY: readonly Api[] = Object.entries(APIS).map(
  ([name, row], key) => new Api(key, name, row),
);
