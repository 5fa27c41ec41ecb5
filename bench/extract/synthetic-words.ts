/** Words for synthetic pages, frequent ones first. */
export const SYNTHETIC_WORDS: readonly string[] = `
  the of and to in a is that for it as was with be by on not he this are or his from at which but have an had they
  you were their one all we can her has there been if more when will would who so no said what up its about into
  than them only other time new some could these two may then do first any my now such like our over man me even
  most made after also did many before must through years where much your way well down should because each just
  those people how too little state good very make world still own see men work long here get both between life
  being under never day same another know while last might us great old year off come since against go came right
  used take three states himself few house use during without again place around however home small found thought
  went say part once general high upon school every does got united left number course war until always away
  something fact water though less public put think almost hand enough far took head yet government system better
  set told nothing night end why called find going look asked later knew point next program city business group
  give toward young days let room president side social given present several order national possible rather
  second face per among form important often things looked early white case john become large big need four within
  felt children along saw best church ever least power development light thing seemed family interest want members
  mind country area others turned although open service certain kind problem began different door thus help sense
  means whole matter wheel stone grain river stream flour miller race gate pond sluice timber bridge valley
  weather harvest summer winter field barn cattle horse village market ledger trade price copper iron brass gear
  shaft bearing paddle current channel embankment meadow willow
`
  .trim()
  .split(/\s+/);
