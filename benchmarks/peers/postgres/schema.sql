-- The rows of domain.md as tables, and turn-ins as one function: one round trip, one transaction.
-- fillfactor leaves room for heap-only updates; no index covers a column that a turn-in changes.

CREATE TABLE level_benchmark (
    level integer PRIMARY KEY,
    xp_to_next bigint NOT NULL
);

CREATE TABLE player_progression (
    user_id text PRIMARY KEY,
    version bigint NOT NULL,
    level integer NOT NULL,
    current_level_xp bigint NOT NULL,
    total_xp bigint NOT NULL,
    xp_to_next_level bigint NOT NULL,
    pending_level_ups integer NOT NULL,
    last_granted_source text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE chapter_progression (
    chapter_progression_id text NOT NULL,
    user_id text NOT NULL,
    chapter_id text NOT NULL,
    chapter_index integer NOT NULL,
    total_chapters integer NOT NULL,
    entry_pseudo_level_millis integer NOT NULL,
    exit_pseudo_level_millis integer NOT NULL,
    entry_level integer NOT NULL,
    exit_level integer NOT NULL,
    planned_total_xp bigint NOT NULL,
    planned_quest_xp bigint NOT NULL,
    planned_hostile_xp bigint NOT NULL,
    actual_quest_xp bigint NOT NULL,
    actual_hostile_xp bigint NOT NULL,
    expected_hostile_defeat_count integer NOT NULL,
    actual_hostile_defeat_count integer NOT NULL,
    level_at_entry integer NOT NULL,
    level_at_exit integer,
    pace_band text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    PRIMARY KEY (user_id, chapter_id)
) WITH (fillfactor = 50);

CREATE TABLE quest_record (
    quest_id text NOT NULL,
    user_id text NOT NULL,
    chapter_id text,
    status text NOT NULL,
    objectives json NOT NULL,
    reward json NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    PRIMARY KEY (user_id, quest_id)
) WITH (fillfactor = 70);

-- The reply is kept as text, as it was given, so that a replay repeats it to the letter.
CREATE TABLE receipt (
    user_id text NOT NULL,
    command_id text NOT NULL,
    quest_id text NOT NULL,
    reply text NOT NULL,
    PRIMARY KEY (user_id, command_id)
);

CREATE FUNCTION turn_in_quest(
    p_user_id text, p_command_id text, p_quest_id text, p_minimal boolean DEFAULT false,
    OUT code text, OUT body text
) LANGUAGE plpgsql AS $$
DECLARE
    stamp bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
    player player_progression;
    quest quest_record;
    chapter json;
    known receipt;
    amount bigint;
    from_level integer;
BEGIN
    -- One turn-in of a user at a time; the others wait here.
    SELECT * INTO player FROM player_progression WHERE user_id = p_user_id FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO player_progression
        SELECT p_user_id, 0, 1, 0, 0, xp_to_next, 0, NULL, stamp, stamp
        FROM level_benchmark WHERE level = 1 ON CONFLICT DO NOTHING;
        SELECT * INTO player FROM player_progression WHERE user_id = p_user_id FOR UPDATE;
    END IF;

    SELECT * INTO known FROM receipt WHERE user_id = p_user_id AND command_id = p_command_id;
    IF FOUND THEN
        IF known.quest_id <> p_quest_id THEN
            code := 'command_id_reused';
        ELSE
            code := 'ok';
            body := overlay(known.reply PLACING 'true'
                            FROM position('"replayed" : false' IN known.reply) + 13 FOR 5);
            IF p_minimal THEN
                body := (body::jsonb - 'changes')::text;
            END IF;
        END IF;
        RETURN;
    END IF;

    UPDATE quest_record SET status = 'turned_in', updated_at = stamp
    WHERE user_id = p_user_id AND quest_id = p_quest_id AND status = 'ready_to_turn_in'
    RETURNING * INTO quest;
    IF NOT FOUND THEN
        SELECT * INTO quest FROM quest_record WHERE user_id = p_user_id AND quest_id = p_quest_id;
        code := CASE WHEN NOT FOUND THEN 'quest_not_found'
                     WHEN quest.status = 'turned_in' THEN 'quest_already_turned_in'
                     ELSE 'quest_not_ready' END;
        RETURN;
    END IF;

    amount := coalesce((quest.reward ->> 'experience')::bigint, 0);
    from_level := player.level;
    player.version := player.version + 1;
    IF amount > 0 THEN
        player.total_xp := player.total_xp + amount;
        player.current_level_xp := player.current_level_xp + amount;
        WHILE player.xp_to_next_level > 0
              AND player.current_level_xp >= player.xp_to_next_level LOOP
            player.current_level_xp := player.current_level_xp - player.xp_to_next_level;
            player.level := player.level + 1;
            player.xp_to_next_level := coalesce(
                (SELECT xp_to_next FROM level_benchmark WHERE level = player.level), 0);
        END LOOP;
        player.pending_level_ups := player.pending_level_ups + player.level - from_level;
        player.last_granted_source := 'quest';
        player.updated_at := stamp;
    END IF;
    UPDATE player_progression SET
        version = player.version, level = player.level,
        current_level_xp = player.current_level_xp, total_xp = player.total_xp,
        xp_to_next_level = player.xp_to_next_level,
        pending_level_ups = player.pending_level_ups,
        last_granted_source = player.last_granted_source, updated_at = player.updated_at
    WHERE user_id = p_user_id;

    -- A chapter without a plan is skipped in silence.
    UPDATE chapter_progression c SET
        actual_quest_xp = c.actual_quest_xp + amount, level_at_exit = player.level,
        updated_at = stamp
    WHERE c.user_id = p_user_id AND c.chapter_id = quest.chapter_id
    RETURNING row_to_json(c) INTO chapter;

    code := 'ok';
    body := json_build_object(
        'command_id', p_command_id,
        'version', player.version,
        'replayed', false,
        'changes', json_build_object(
            'player_progression', player,
            'chapter_progression',
            CASE WHEN chapter IS NULL THEN '[]'::json ELSE json_build_array(chapter) END,
            'quest_record', json_build_array(quest)
        )
    )::text;
    INSERT INTO receipt VALUES (p_user_id, p_command_id, p_quest_id, body);
    IF p_minimal THEN
        body := format('{"command_id":"%s","version":%s,"replayed":false}',
                       p_command_id, player.version);
    END IF;
END
$$;

-- Many users' turn-ins in order, in one transaction and after one sync.  A refusal is a code, no
-- error: it undoes nobody else's.
CREATE FUNCTION turn_in_quests(
    p_user_ids text[], p_command_ids text[], p_quest_ids text[], p_minimal boolean
) RETURNS TABLE (code text, body text) LANGUAGE plpgsql AS $$
BEGIN
    -- Everybody locks in the same order, so that no two batches wait for each other.
    PERFORM 1 FROM player_progression WHERE user_id = ANY (p_user_ids) ORDER BY user_id FOR UPDATE;
    FOR n IN 1 .. cardinality(p_user_ids) LOOP
        SELECT * INTO code, body
        FROM turn_in_quest(p_user_ids[n], p_command_ids[n], p_quest_ids[n], p_minimal);
        RETURN NEXT;
    END LOOP;
END
$$;
