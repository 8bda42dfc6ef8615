-- The same as algorithms/fixed_window.py. State: start, count, 0. Quota: window, limit.

local function fixed_seen(start, count, _, now, window)
  local begin = now - math.fmod(now, window)
  if not start or begin > start or start - begin > window then return begin, 0, 0 end
  return start, count, 0
end

local function fixed_wait(start, count, _, now, cost, window, limit)
  if count + cost <= limit then return 0 end
  return start + window - now
end

local function fixed_left(start, count, _, now, window, limit)
  return math.max(0, limit - count), count > 0 and start + window - now or 0
end
