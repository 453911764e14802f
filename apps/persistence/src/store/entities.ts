/**
 * The tables as TypeORM reads them. They are written by the archiver's statements alone (`write.ts`), never through these.
 * `bigint` columns are numbers: every one of them stays below 2^53.
 */
import { Column, Entity, PrimaryColumn } from 'typeorm'

@Entity('checkpoints')
export class Checkpoint {
  @PrimaryColumn('text') topic!: string
  @PrimaryColumn('int') partition!: number
  /** Next offset to read: everything before it is stored. */
  @Column('bigint') offset!: number
  @Column('text') epoch!: string
  @Column('text') incarnation!: string
  @Column('bigint', { name: 'last_offset', nullable: true }) lastOffset!: number | null
  @Column('text', { name: 'last_proof', nullable: true }) lastProof!: string | null
  @Column('bigint') events!: number
  @Column('timestamptz') at!: Date
}

@Entity('events')
export class StoredEvent {
  @PrimaryColumn('text') room!: string
  @PrimaryColumn('bigint') seq!: number
  @Column('bigint') place!: number
  @Column('int') partition!: number
  @Column('bigint') offset!: number
  @Column('text') proof!: string
  @Column('text') type!: string
  @Column('text', { nullable: true }) key!: string | null
  @Column('text') sender!: string
  @Column('bigint') at!: number
  @Column('text', { nullable: true }) ref!: string | null
  @Column('text', { nullable: true }) follows!: string | null
  @Column('text', { nullable: true }) device!: string | null
  @Column('bigint', { nullable: true }) action!: number | null
  @Column('text') value!: string
}

@Entity('rooms')
export class Room {
  @PrimaryColumn('text') room!: string
  @Column('text') topic!: string
  @Column('int') partition!: number
  @Column('bigint') seq!: number
  @Column('bigint', { name: 'created_at' }) createdAt!: number
  @Column('bigint', { name: 'updated_at' }) updatedAt!: number
  @Column('bigint') messages!: number
  @Column('bigint', { name: 'last_message', nullable: true }) lastMessage!: number | null
  @Column('bigint') joined!: number
  @Column('text', { nullable: true }) type!: string | null
  @Column('text', { nullable: true }) access!: string | null
  @Column('text', { nullable: true }) history!: string | null
  @Column('boolean') listed!: boolean
  @Column('text', { nullable: true }) name!: string | null
  @Column('text', { name: 'topic_text', nullable: true }) topicText!: string | null
  @Column('text', { nullable: true }) avatar!: string | null
  @Column('bigint', { name: 'deleted_seq', nullable: true }) deletedSeq!: number | null
}

@Entity('state')
export class StateEntry {
  @PrimaryColumn('text') room!: string
  @PrimaryColumn('text') type!: string
  @PrimaryColumn('text') key!: string
  @Column('bigint') seq!: number
  /** JSON as it was sent; `null` = gone. */
  @Column('text') content!: string
}

@Entity('members')
export class Member {
  @PrimaryColumn('text') room!: string
  @PrimaryColumn('text', { name: 'user_id' }) user!: string
  @Column('text', { nullable: true }) membership!: string | null
  @Column('bigint', { nullable: true }) seq!: number | null
  @Column('text', { nullable: true }) name!: string | null
  @Column('text', { nullable: true }) avatar!: string | null
}

@Entity('history_changes')
export class HistoryChange {
  @PrimaryColumn('text') room!: string
  @PrimaryColumn('bigint') seq!: number
  @Column('text') value!: string
}

@Entity('member_changes')
export class MemberChange {
  @PrimaryColumn('text') room!: string
  @PrimaryColumn('text', { name: 'user_id' }) user!: string
  @PrimaryColumn('bigint') seq!: number
  @Column('text') value!: string
}

@Entity('aliases')
export class Alias {
  /** Without its `#`. */
  @PrimaryColumn('text') alias!: string
  /** Null = free again. */
  @Column('text', { nullable: true }) room!: string | null
  @Column('bigint') seq!: number
}

@Entity('erased')
export class Erased {
  @PrimaryColumn('text') room!: string
  @PrimaryColumn('bigint') seq!: number
  @Column('bigint', { name: 'by_seq' }) bySeq!: number
}

/** One room in one user's inbox, as the inbox last said. */
@Entity('user_rooms')
export class UserRoom {
  @PrimaryColumn('text', { name: 'user_id' }) user!: string
  @PrimaryColumn('text') room!: string
  /** joined · left · invited · followed */
  @Column('text') kind!: string
  /** `seq` in the inbox. */
  @Column('bigint') seq!: number
  @Column('int', { name: 'room_partition', nullable: true }) roomPartition!: number | null
  @Column('bigint', { name: 'room_offset', nullable: true }) roomOffset!: number | null
  @Column('bigint', { name: 'room_seq', nullable: true }) roomSeq!: number | null
  @Column('text', { name: 'by_user', nullable: true }) by!: string | null
  @Column('text', { nullable: true }) name!: string | null
  @Column('text') content!: string
}

@Entity('markers')
export class Marker {
  @PrimaryColumn('text', { name: 'user_id' }) user!: string
  @PrimaryColumn('text') room!: string
  @Column('bigint') seq!: number
  @Column('bigint', { name: 'room_seq' }) roomSeq!: number
  @Column('text', { nullable: true }) event!: string | null
}

@Entity('profiles')
export class Profile {
  @PrimaryColumn('text', { name: 'user_id' }) user!: string
  @Column('bigint') seq!: number
  @Column('text', { nullable: true }) name!: string | null
  @Column('text', { nullable: true }) avatar!: string | null
}

export const entities = [
  Checkpoint,
  StoredEvent,
  Room,
  StateEntry,
  Member,
  HistoryChange,
  MemberChange,
  Alias,
  Erased,
  UserRoom,
  Marker,
  Profile,
]
